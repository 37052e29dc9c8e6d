"""rbmqs/vmc"""
