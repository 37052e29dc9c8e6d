"""rbmqs/states"""
